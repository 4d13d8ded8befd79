"""The names of epochs are unique in all processes."""

import multiprocessing

from cloudchat.broker.epochs import new_epoch


def test_forked_processes_have_other_names() -> None:
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        names = [pool.apply(new_epoch) for _ in range(2)]
    names += [new_epoch(), new_epoch()]
    assert len(set(names)) == 4
    assert len({name.partition(".")[0] for name in names}) == 3
