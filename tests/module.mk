# tests: one list a folder; each suite owns its own file
include $(srcdir)/tests/unit/base.mk
include $(srcdir)/tests/stack/module.mk
include $(srcdir)/tests/engine/module.mk
include $(srcdir)/tests/unit/module.mk
include $(srcdir)/tests/unit/engine.mk
include $(srcdir)/tests/unit/sources.mk
include $(srcdir)/tests/unit/verify.mk
include $(srcdir)/tests/unit/fcgi.mk
include $(srcdir)/tests/unit/worker.mk
include $(srcdir)/tests/fuzz/module.mk
include $(srcdir)/tests/system/module.mk
include $(srcdir)/tests/browser/module.mk
include $(srcdir)/tests/bench/module.mk
