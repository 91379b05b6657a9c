package Helper;
sub go { print length($ENV{DATABASE_URL}) > 30 ? "perl ready\n" : "wrong value\n" }
1;
