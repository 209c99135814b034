# engine: sources, one a line
include $(srcdir)/engine/verify.mk
