#!/bin/sh
# The one program every server runs: waits for a line and does what it says.
trap : INT
printf '<<ready>>'
while read -r verb what; do
    case $verb in
        show) cat "$what" ;;
        flood) yes "$what" ;;
        echo)
            stty raw -echo
            printf '<<ready>>'
            exec cat
            ;;
    esac
    printf '<<ready>>'
done
