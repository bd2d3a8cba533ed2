<?php echo 'hello from php ', array_sum([20, 22]), "\n";
