"""A broker for one room whose log, answers and wake-ups a test decides."""

from cloudchat.broker.broker import BrokerUnavailable, Page


class ScriptedLog:
    """Implements what a relay and a join ask of a `Broker`."""

    def __init__(self, epoch="e1"):
        self.epoch = epoch
        self.events = {}
        self.head = 0
        self.reads = []
        self.down = False
        self.subscribed = []
        self.before_read = lambda: None
        self.page_events = 10**6
        """So many events fit a page."""

    def append(self, count=1):
        """Let events be appended, unheard. Returns the last one as a wake-up would bring it."""
        for _ in range(count):
            self.head += 1
            self.events[self.head] = b"%s-%d" % (self.epoch.encode(), self.head)
        return self.epoch, self.head, self.events[self.head]

    def trim(self, oldest):
        self.events = {seq: event for seq, event in self.events.items() if seq >= oldest}

    def wipe(self, epoch):
        self.epoch, self.events, self.head = epoch, {}, 0

    @property
    def oldest(self):
        return min(self.events, default=self.head + 1)

    async def read(self, room, after, limit):
        self.before_read()
        self.reads.append(after)
        if self.down:
            raise BrokerUnavailable("down")
        seqs = [seq for seq in sorted(self.events) if seq > after][: min(limit, self.page_events)]
        first = seqs[0] if seqs else after + 1
        return Page(self.epoch, self.head, self.oldest, first, [self.events[seq] for seq in seqs])

    def subscribe(self, room):
        self.subscribed.append(room)

    def unsubscribe(self, room):
        self.subscribed.remove(room)
