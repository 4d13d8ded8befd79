"""reconnect_policy.js: when a page tries again."""


def delays(modules, calls, random=1.0):
    """What `delay` answers to each [then, now, drain]; `["opened", now]` is a welcome."""
    return modules(
        """
        const { ReconnectPolicy } = await load("reconnect_policy");
        const policy = new ReconnectPolicy({ random: () => argument.random });
        const found = [];
        for (const [then, now, drain] of argument.calls) {
          if (then === "opened") policy.opened(now);
          else found.push(policy.delay(then, now, drain ?? null));
        }
        return found;
        """,
        {"calls": calls, "random": random},
    )


def test_the_bound_doubles_up_to_half_a_minute(modules):
    assert delays(modules, [["retry", 0]] * 7) == [1000, 2000, 4000, 8000, 16000, 30000, 30000]


def test_the_delay_is_anywhere_below_the_bound(modules):
    assert delays(modules, [["retry", 0]] * 3, random=0.0) == [0, 0, 0]
    assert delays(modules, [["retry", 0]] * 3, random=0.25) == [250, 500, 1000]


def test_a_draining_server_names_the_delay(modules):
    assert delays(modules, [["retry", 0, 4321], ["retry", 0]]) == [4321, 2000]


def test_a_slow_reader_comes_back_at_once_but_not_in_a_loop(modules):
    assert delays(modules, [["retry_now", 0]] * 3) == [0, 2000, 4000]


def test_a_server_that_asks_for_room_gets_it(modules):
    assert delays(modules, [["back_off", 0]], random=0.0) == [2000]


def test_a_connection_that_lived_makes_the_next_failure_a_first_one(modules):
    calls = [["retry", 0], ["retry", 0], ["opened", 1000], ["retry", 12_000]]
    assert delays(modules, calls) == [1000, 2000, 1000]


def test_a_server_that_greets_and_closes_is_not_hammered(modules):
    calls = [["opened", 0], ["retry", 10], ["opened", 20], ["retry", 30], ["opened", 40], ["retry", 50]]
    assert delays(modules, calls) == [1000, 2000, 4000]
