/* Counts flushes: put before the system's library with LD_PRELOAD. Where the folder of a file that is flushed has a file
 * `flushes`, each call appends a byte to it before it flushes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void count(int file) {
    char link[64], path[PATH_MAX + sizeof "flushes"];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length <= 0) return;
    path[length] = '\0';
    char *name = strrchr(path, '/');
    if (!name) return;
    strcpy(name + 1, "flushes");
    int counter = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (counter < 0) return;
    if (write(counter, ".", 1) != 1) abort();
    close(counter);
}

int fsync(int file) {
    count(file);
    return syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    count(file);
    return syscall(SYS_fdatasync, file);
}
