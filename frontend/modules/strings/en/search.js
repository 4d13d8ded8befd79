/** The texts of the search in messages, in English. */

export const search = {
  "search.title": "Search messages",
  "search.form": "What to search for",
  "search.words": "Words",
  "search.hint": 'Words in any order. Use "quotes" for a phrase and -word for messages without a word.',
  "search.room": "Where",
  "search.room.all": "All rooms",
  "search.room.shown": "This room: {room}",
  "search.person": "From",
  "search.person_any": "Anyone",
  "search.person_unknown": "Choose a person from the list: until then, messages of everyone are found.",
  "search.people": "People",
  "search.since": "First day",
  "search.until": "Last day",
  "search.results": "Results",
  "search.searching": "Searching…",
  "search.none":
    "No message matches. Try other words, or remove a filter. A new message is found after about a second.",
  "search.found": { one: "{count} message", other: "{count} messages" },
  "search.found_more": { one: "The newest message", other: "The newest {count} messages" },
  "search.in_room": "in {room}",
  "search.wait": "The search is repeated in {time}.",
  "search.retry": "Try again",
};
