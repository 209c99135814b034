# ctl: sources, one a line
