# Turns SQL files into C: awk -f embed.awk progress.sql 0001-*.sql 0002-*.sql … (in this order)
function quote(line) {
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	printf "\t\"%s\\n\"\n", line
}
BEGIN { print "/* Made from lib/schema/ by embed.awk: edit there. */" }
FNR == 1 {
	part++
	if (part == 1)
		print "static const char store_progress_sql[] ="
	else if (part == 2)
		print "\t;\n\nstatic const char *const store_migrations[] = {"
	else
		print "\t,"
}
{ quote($0) }
END { print "};" }
