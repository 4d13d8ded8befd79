/** The texts of the search in messages, in German. */

/** @type {import("../strings.js").Texts} */
export const search = {
  "search.title": "Nachrichten durchsuchen",
  "search.form": "Wonach gesucht wird",
  "search.words": "Wörter",
  "search.hint":
    'Wörter in beliebiger Reihenfolge. "Anführungszeichen" suchen eine Wortfolge, -Wort schließt ein Wort aus.',
  "search.room": "Wo",
  "search.room.all": "Alle Räume",
  "search.room.shown": "Dieser Raum: {room}",
  "search.person": "Von",
  "search.person_any": "Allen",
  "search.person_unknown": "Wählen Sie eine Person aus der Liste: bis dahin werden Nachrichten von allen gefunden.",
  "search.people": "Personen",
  "search.since": "Erster Tag",
  "search.until": "Letzter Tag",
  "search.results": "Ergebnisse",
  "search.searching": "Suche läuft…",
  "search.none":
    "Keine Nachricht passt. Versuchen Sie andere Wörter, oder entfernen Sie einen Filter. Eine neue Nachricht wird nach etwa einer Sekunde gefunden.",
  "search.found": { one: "{count} Nachricht", other: "{count} Nachrichten" },
  "search.found_more": { one: "Die neueste Nachricht", other: "Die neuesten {count} Nachrichten" },
  "search.in_room": "in {room}",
  "search.wait": "Die Suche wird in {time} wiederholt.",
  "search.retry": "Noch einmal versuchen",
};
