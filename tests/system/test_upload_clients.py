"""Clients that nobody here wrote: python3-tuspy and tus-js-client."""

import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest

from stack.client import PREFIX

API_SETTINGS = {"MIGRATION_DISK_RESERVE_MB": "1"}
MEGA = 1 << 20
TOP = pathlib.Path(__file__).resolve().parents[2]
JS = """
import fs from 'node:fs';
import * as tus from 'tus-js-client';
const [url, token, file, stop] = process.argv.slice(2);
let sent = 0;
const start = (uploadUrl) => new Promise((resolve, reject) => {
    const upload = new tus.Upload(fs.createReadStream(file), {
        endpoint: url, uploadUrl, chunkSize: 400000, uploadSize: fs.statSync(file).size, retryDelays: [0, 500, 1000],
        headers: {Authorization: `Bearer ${token}`}, metadata: {filename: 'Caixa da Ana.pst'},
        onError: reject, onSuccess: () => resolve(upload.url),
        onChunkComplete: (size, accepted) => {
            sent = accepted;
            if (stop === 'stop' && !uploadUrl && accepted > 1000000) upload.abort().then(() => resolve(upload.url));
        },
    });
    upload.start();
});
let done = await start(null);
if (stop === 'stop') done = await start(done);
if (stop === 'terminate') await tus.Upload.terminate(done, {headers: {Authorization: `Bearer ${token}`}});
console.log(JSON.stringify({url: done, sent}));
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mail.pst"
    path.write_bytes(b"!BDN" + bytes(4) + b"SM\x17\0" + random.Random(7).randbytes(3 * MEGA))
    return path


def check(api, url, file, name):
    seen = api.bearer("technician").get("/uploads/" + url.rsplit("/", 1)[1])
    assert (seen["status"], seen["kind"], seen["name"]) == ("complete", "pst", name)
    assert seen["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (api.paths.data / "uploads" / seen["token"]).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("chunk,checksum", [(None, False), (700_001, False), (MEGA, True)])
def test_tuspy(api, file, chunk, checksum):
    client = pytest.importorskip("tusclient.client", reason="python3-tuspy is not installed")
    technician = api.bearer("technician")
    tus = client.TusClient(api.url + PREFIX + "/uploads", headers={"Authorization": f"Bearer {technician.token}"})
    arguments = {"metadata": {"filename": "Correio.pst"}, "upload_checksum": checksum}
    if chunk:
        arguments["chunk_size"] = chunk
    uploader = tus.uploader(str(file), **arguments)
    if chunk:  # a part, then another program run goes on by the address alone
        uploader.upload_chunk()
        uploader = tus.uploader(str(file), url=uploader.url, **arguments)
        assert uploader.offset == chunk
    uploader.upload()
    check(api, uploader.url, file, "Correio.pst")


@pytest.fixture(scope="module")
def tus_js():
    """A directory from which tus-js-client can be imported."""
    node = shutil.which("node")
    for place in (os.environ.get("TUS_JS"), TOP, pathlib.Path(os.environ.get("BUILD_DIR", "")) / "www/npm"):
        if node and place and (pathlib.Path(place) / "node_modules/tus-js-client").is_dir():
            return pathlib.Path(place)
    return pytest.skip("tus-js-client is not there: npm install --prefix DIR tus-js-client, and TUS_JS=DIR")


@pytest.mark.parametrize("how", ["whole", "stop", "terminate"])
def test_tus_js_client(api, file, tus_js, tmp_path, how):
    script = tus_js / f"upload-{how}-{os.getpid()}.mjs"  # node looks for modules beside the script
    script.write_text(JS, encoding="utf-8")
    try:
        done = subprocess.run(["node", script, api.url + PREFIX + "/uploads", api.bearer("technician").token, file, how],
                              cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    finally:
        script.unlink()
    assert done.returncode == 0, done.stderr
    url = json.loads(done.stdout)["url"]
    if how == "terminate":
        assert api.bearer("technician").request("GET", "/uploads/" + url.rsplit("/", 1)[1]).status == 410
    else:
        check(api, url, file, "Caixa da Ana.pst")
