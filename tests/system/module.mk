# tests/system: the running system, judged from outside
EXTRA_DIST += \
	tests/pytest.ini \
	tests/conftest.py \
	tests/system/fake_tool.py \
	tests/system/faking.py \
	tests/system/killing.py \
	tests/system/test_api_auth.py \
	tests/system/test_api_input.py \
	tests/system/test_api_pool.py \
	tests/system/test_api_table.py \
	tests/system/test_gate.py \
	tests/system/test_gate_people.py \
	tests/system/test_install.py \
	tests/system/test_kill_engine.py \
	tests/system/test_kill_fcgi.py \
	tests/system/test_migrationctl.py \
	tests/system/test_move.py \
	tests/system/test_missing.py \
	tests/system/test_nginx.py \
	tests/system/test_permissions.py \
	tests/system/test_preflight.py \
	tests/system/test_quarantine.py \
	tests/system/test_report.py \
	tests/system/test_scripts.py \
	tests/system/test_spool.py \
	tests/system/test_tenants.py \
	tests/system/test_tool_imapsync.py \
	tests/system/test_verify_migration.py \
	tests/system/test_tool_readpst.py \
	tests/system/test_tool_zmmailbox.py \
	tests/system/test_worker_claims.py \
	tests/system/test_worker_kill.py \
	tests/system/test_worker_secrets.py \
	tests/system/test_worker_tools.py
