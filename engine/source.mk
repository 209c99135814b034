# mail in files: a program of its own shows them as an account, so that copying between servers carries
# none of the libraries that open archives and PSTs
libengine_a_SOURCES += \
	engine/feed.c \
	engine/feed.h

noinst_LIBRARIES += libsource.a
libsource_a_CPPFLAGS = $(libengine_a_CPPFLAGS) $(ARCHIVE_CFLAGS) $(GMIME_CFLAGS) $(PST_CFLAGS)
libsource_a_SOURCES = \
	engine/gunzip.c \
	engine/gunzip.h \
	engine/lines.c \
	engine/lines.h \
	engine/mail_date.c \
	engine/mail_date.h \
	engine/mail_head.c \
	engine/mail_head.h \
	engine/mail_labels.c \
	engine/mail_labels.h \
	engine/mbox_scan.c \
	engine/mbox_scan.h \
	engine/pst_flags.c \
	engine/pst_flags.h \
	engine/pst_heap.c \
	engine/pst_heap.h \
	engine/pst_map.c \
	engine/pst_map.h \
	engine/pst_mime.c \
	engine/pst_mime.h \
	engine/serve.h \
	engine/serve_answer.c \
	engine/serve_body.c \
	engine/serve_fetch.c \
	engine/serve_search.c \
	engine/source.c \
	engine/source.h \
	engine/source_archive.c \
	engine/source_cage.c \
	engine/source_cage.h \
	engine/source_child.c \
	engine/source_child.h \
	engine/source_kinds.h \
	engine/source_mbox.c \
	engine/source_pst.c \
	engine/source_serve.c \
	engine/source_serve.h \
	engine/source_tree.c \
	engine/source_tree.h \
	engine/source_walk.c \
	engine/source_walk.h \
	engine/tape.c \
	engine/tape.h \
	engine/tgz_meta.c \
	engine/tgz_meta.h
SOURCE_LIBS = libsource.a $(ENGINE_LIBS) $(ARCHIVE_LIBS) $(GMIME_LIBS) $(PST_LIBS)

pkglibexec_PROGRAMS += mailmover-source
mailmover_source_SOURCES = engine/source_main.c
mailmover_source_CPPFLAGS = $(libsource_a_CPPFLAGS)
mailmover_source_LDADD = $(SOURCE_LIBS)
