import os
import re
from concurrent.futures import ThreadPoolExecutor

from serving.ids import new_id


def test_ids_are_of_one_form_and_never_the_same_whoever_asks():
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: new_id(), range(5_000)))
    assert len(set(found)) == len(found)
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in found)


def test_a_copy_of_the_process_gives_ids_of_its_own():
    new_id()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 32).decode() != new_id()
