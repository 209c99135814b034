# mail in files: what reads them, and the child that shows them as an account
libengine_a_SOURCES += \
	engine/feed.c \
	engine/feed.h \
	engine/gunzip.c \
	engine/gunzip.h \
	engine/mail_date.c \
	engine/mail_date.h \
	engine/mail_head.c \
	engine/mail_head.h \
	engine/mail_labels.c \
	engine/mail_labels.h \
	engine/mbox_scan.c \
	engine/mbox_scan.h \
	engine/pst_map.c \
	engine/pst_map.h \
	engine/pst_mime.c \
	engine/pst_mime.h \
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
	engine/tgz_meta.c \
	engine/tgz_meta.h
