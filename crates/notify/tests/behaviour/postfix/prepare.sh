cd "$1"
chmod 755 .
mkdir spool data mail
chown postfix data
chown 65534:65534 mail
chown -R root:root etc
