#!/bin/sh
# What Debian and Python bring along and no pod needs: manuals, translations, Perl, and what installs packages.
# The list of packages stays (/var/lib/dpkg/status): scanners read it.
set -eu
rm -rf /usr/share/doc /usr/share/info /usr/share/locale /usr/share/man /var/cache/apt /var/lib/apt /var/log/*
rm -rf /usr/bin/perl* /usr/share/perl* /usr/lib/*-linux-gnu/perl* /usr/lib/*-linux-gnu/libperl.so*
rm -rf /usr/bin/apt* /usr/lib/apt /usr/lib/*-linux-gnu/libapt*
rm -rf /usr/local/include /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/2to3*
cd /usr/local/lib/python3.11
rm -rf ensurepip idlelib lib2to3 test tkinter turtledemo site-packages/*
