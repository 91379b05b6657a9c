use strict;
use FindBin;
use lib $FindBin::Bin;
use Helper;
Helper::go();
