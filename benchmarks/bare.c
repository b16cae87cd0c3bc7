/* The bare limit: a pseudo-terminal copied to a TCP socket and nothing else.
 *
 * bare PORTFILE PROGRAM [ARGUMENT...]: listens on 127.0.0.1, writes the port it got into
 * PORTFILE, and runs the program once per connection, in a child process of its own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int send_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return -1;
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

static void serve(int peer, char **argv) {
    static char buffer[65536];
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    int master, one = 1;
    pid_t pid = forkpty(&master, NULL, NULL, &size);
    if (pid < 0) _exit(1);
    if (pid == 0) {
        signal(SIGCHLD, SIG_DFL);
        close(peer);
        execvp(argv[0], argv);
        _exit(127);
    }
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (;;) {
        struct pollfd fds[2] = {{.fd = master, .events = POLLIN}, {.fd = peer, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0) continue;
        if (fds[0].revents) {
            ssize_t n = read(master, buffer, sizeof buffer);
            if (n <= 0 || send_all(peer, buffer, (size_t)n) < 0) break;
        }
        if (fds[1].revents) {
            ssize_t n = read(peer, buffer, sizeof buffer);
            if (n <= 0 || send_all(master, buffer, (size_t)n) < 0) break;
        }
    }
    _exit(0); /* closes the master: the program is hung up */
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FILE *file;
    if (argc < 3) return 2;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(door, (struct sockaddr *)&address, sizeof address) < 0 || listen(door, 1024) < 0 ||
        getsockname(door, (struct sockaddr *)&address, &length) < 0)
        return 1;
    file = fopen(argv[1], "w");
    if (file == NULL) return 1;
    fprintf(file, "%d\n", ntohs(address.sin_port));
    fclose(file);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int peer = accept(door, NULL, NULL);
        if (peer < 0) continue;
        if (fork() == 0) serve(peer, argv + 2);
        close(peer);
    }
}
