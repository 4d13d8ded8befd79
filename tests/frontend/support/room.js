/** Events and joins of one room. */

export const USER = { id: "u1", name: "ada" };

export function messageAt(seq, epoch = "e1") {
  return { type: "message", room: "lobby", epoch, seq, cid: `c${seq}`, user: USER, text: `m${seq}`, at: "" };
}

export function messages(first, last, epoch) {
  return Array.from({ length: last - first + 1 }, (_, index) => messageAt(first + index, epoch));
}

export function joined(seq, { oldest = 1, epoch = "e1", status = "fresh" } = {}) {
  return { type: "joined", room: "lobby", status, epoch, seq, oldest };
}
