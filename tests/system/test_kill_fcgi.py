"""kill -9 of FastCGI processes in requests, at random moments: the pool refills, every request that was sent
again under the same key happened once, and the runs that reported meanwhile end as if nothing had been."""

import os
import signal
import threading
import time

import pytest

from killing import Background, Moments, assert_run_once, trials
from stack import wait
from stack.client import Client


@pytest.fixture(scope="module")
def killing_stack(build_dir):
    from stack.stack import Stack
    with Stack(build_dir) as stack:
        yield stack
        stack.check_alive()
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


def kill_some(stack, pool, moments, count, longest=0.2, stop=None):
    """Kills `count` random children of a pool, waiting each time until the pool is whole again."""
    wanted = len(stack.pools.members(pool))
    for _ in range(count):
        if stop is not None and stop.is_set():
            return
        moments.wait(longest)
        os.kill(moments.random.choice(stack.pools.members(pool)), signal.SIGKILL)
        wait.until(lambda: len(stack.pools.members(pool)) == wanted, f"the pool {pool} to refill",
                   alive=stack.pools.processes[pool].check_alive)


def test_created_once(killing_stack, long):
    """Jobs are created while the pool's processes die; a client repeats with the same Idempotency-Key."""
    stack, moments = killing_stack, Moments()
    token = stack.bearer("technician").token
    stop, created = threading.Event(), {}

    def create():
        client, number = Client(stack.url, token=token), 0
        while not stop.is_set():
            number += 1
            name = f"f{number}.kill.example"
            body = {"domains": [name], "ticket": str(number), **stack.job_servers()}

            def attempt(body=body, number=number):
                answer = client.request("POST", "/jobs", body, {"Idempotency-Key": f"kill-{number}"})
                assert answer.status == 201 or answer.status >= 500, answer.text
                return answer.json if answer.status == 201 else None
            created[name] = wait.until(attempt, f"job {number} to be created")["id"]
    maker = Background(create)
    kill_some(stack, "api", moments, trials(long))
    stop.set()
    maker.result()
    client = stack.bearer("technician")
    assert created
    for name, job_id in created.items():
        assert [j["id"] for j in client.get(f"/jobs?domain={name}")["items"]] == [job_id], (name, moments.seed)


@pytest.mark.long
def test_reports_survive(killing_stack, new_job, long):
    """The worker's reports meet dying processes; each run still ends once and the mail is all there."""
    stack, moments, stop = killing_stack, Moments(), threading.Event()
    technician, job, users = new_job(stack, "reports.example", people=("a", "b"), messages=200 if long else 60, biggest=3_000_000 if long else 1_000_000)
    token = stack.bearer("technician").token
    patient = Client(stack.url, token=token)
    begun = time.monotonic()

    def kill():
        while not stop.is_set() and time.monotonic() - begun < 600:
            for pool in ("worker", "api"):
                kill_some(stack, pool, moments, 1, stop=stop)
    killer = Background(kill)
    try:
        for pass_ in ("initial", "delta", "final") if long else ("initial", "final"):
            runs = once(lambda p=pass_: patient.request("POST", f"/jobs/{job['id']}/sync", {"pass": p},
                                                        {"Idempotency-Key": f"sync-{p}"}), 202)["runs"]
            for run in runs:
                ended = wait.until(lambda r=run: finished(patient, r["id"]), f"run {run['id']} to end", 300)
                assert ended["status"] == "succeeded", (ended, moments.seed)
                assert_run_once(stack, run["id"])
    finally:
        stop.set()
    killer.result()
    for user in users:
        result = stack.compare(user)
        assert result.equal, (moments.seed, "\n".join(result.differences))
    assert technician.me["name"] == "technician"


def once(request, status):
    """Repeats a request until it is answered (a killed process answers 502)."""
    def attempt():
        answer = request()
        assert answer.status == status or answer.status >= 500, answer.text
        return answer.json if answer.status == status else None
    return wait.until(attempt, "an answer")


def finished(client, run_id):
    answer = client.request("GET", f"/runs/{run_id}")
    assert answer.status == 200 or answer.status >= 500, answer.text
    if answer.status == 200 and answer.json["status"] in ("succeeded", "partial", "failed", "cancelled"):
        return answer.json
    return None
