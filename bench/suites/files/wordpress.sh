# Two servers from one script: MariaDB on a socket, and PHP's own server with WordPress.
set -e
socket=/tmp/mysqld.sock
mariadbd --user=mysql --skip-networking --socket=$socket --pid-file=/tmp/mysqld.pid &
until mariadb --socket=$socket -e 'CREATE DATABASE IF NOT EXISTS wordpress'; do sleep 1; done
printf '%s\n' '<?php' "define('DB_NAME', 'wordpress');" "define('DB_USER', 'root');" "define('DB_PASSWORD', '');" \
    "define('DB_HOST', 'localhost:$socket');" > /etc/wordpress/config-default.php
exec php -S 0.0.0.0:8000 -t /usr/share/wordpress
