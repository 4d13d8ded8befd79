"""When has the whole room got a message?

A send is *in flight* until every member has received it, for both servers alike. Members are told apart only by how
many messages they have received, so the number of complete sends is the smallest of those counts; a tally by count
keeps that minimum at O(1) per read instead of looking at 500 members.
"""


class DeliveredTwice(RuntimeError):
    """A member counted more messages than were sent."""


class RoomProgress:
    def __init__(self, members: int) -> None:
        self.sent = 0
        self.complete = 0  # sends that every member has received
        self.deliveries = 0
        self._at = [members]  # _at[n]: how many members have received exactly n messages

    def send(self) -> int:
        """Note one more send; return its number, from 0."""
        number = self.sent
        self.sent = number + 1
        self._at.append(0)
        return number

    def deliver(self, before: int, messages: int) -> bool:
        """Note that a member that had `before` messages received more; return whether a send became complete by it."""
        after = before + messages
        if after > self.sent:
            raise DeliveredTwice(f"a member received {after} messages, but only {self.sent} were sent")
        at = self._at
        at[before] -= 1
        at[after] += 1
        self.deliveries += messages
        if before != self.complete or at[before]:
            return False
        complete = before
        while complete < self.sent and at[complete] == 0:
            complete += 1
        self.complete = complete
        return True

    @property
    def in_flight(self) -> int:
        return self.sent - self.complete
