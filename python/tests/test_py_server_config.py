# SPDX-License-Identifier: MIT
"""What test_py.py is about, for the configuration of the server."""
import inspect
import json
import time

import pytest
from conftest import wait_for

import tgvoip
from tgvoip import VoIPController, VoIPServerConfig


@pytest.fixture
def server_config():
    """Puts the process's configuration back."""
    before = dict(VoIPServerConfig.config)
    yield
    VoIPServerConfig.config.clear()
    VoIPServerConfig.config.update(before)
    VoIPServerConfig.set_config(before)
    tgvoip._base.set_server_config("{}")


# -- 15: configuration of the server -----------------------------------------

def test_py_15_server_config_is_merged(server_config, controller, capsys):
    VoIPServerConfig.set_bitrate_config(12000, 18000, 7000, 500, 600)
    VoIPServerConfig.set_config({"rate_min_rtt": 0.7, "new_key": "x"})
    VoIPServerConfig.set_config('{"use_tcp": true}')
    config = VoIPServerConfig.config
    assert config["audio_init_bitrate"] == 12000
    assert config["audio_bitrate_step_decr"] == 500
    assert config["audio_bitrate_step_incr"] == 600
    assert (config["rate_min_rtt"], config["new_key"], config["use_tcp"]) == (
        0.7, "x", True)
    passed = json.loads(controller()._core.settings.server_config)
    assert passed == config and passed["rate_flags"] == 4294967295
    assert capsys.readouterr().err == ""


def test_py_15_wrong_config_prints_a_line_and_changes_nothing(
        server_config, capsys, controller):
    before = dict(VoIPServerConfig.config)
    for wrong in ("{", "[1]", "5", '"x"', {"a": object()}, 5, None,
                  {"a": float("nan")}):
        VoIPServerConfig.set_config(wrong)
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and "VoIPServerConfig" in err
    assert VoIPServerConfig.config == before


def test_py_15_config_holds_for_later_controllers(server_config, pair):
    early = pair()
    VoIPServerConfig.set_bitrate_config(9000, 9000, 8000)
    late = pair()
    early.go().established(), late.go().established()
    time.sleep(0.1)
    assert early.caller._core.stats().bitrate_bps > 12000
    assert late.caller._core.stats().bitrate_bps <= 9000


# -- 26: the wish for a rating -----------------------------------------------

def test_py_26_rating_needs_bad_call_rating(server_config, pair):
    VoIPServerConfig.set_config({"rate_min_rtt": 0.0, "rate_flags": 0xFFFFFFFF})
    without = pair()
    VoIPServerConfig.set_config({"bad_call_rating": True})
    with_it = pair()
    without.go().established(), with_it.go().established()
    wait_for(lambda: with_it.caller.need_rate(), "the wish for a rating")
    assert without.caller.need_rate() is False
    assert "bad_call_rating" in inspect.getdoc(VoIPController.need_rate)
