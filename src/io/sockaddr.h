/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_SOCKADDR_H
#define TGV_IO_SOCKADDR_H
/*
 * Our addresses to and from the system's, and the wishes that all sockets of
 * a call share. Only for the files of this room.
 */
#include "base/addr.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* For a socket of that family (AF_INET, AF_INET6); an IPv4 address becomes a
 * mapped one on a dual-stack socket.
 * @return length, or 0 if the socket's family cannot reach the address */
socklen_t tgv_sockaddr_encode(const struct tgv_addr *a, int family,
                              struct sockaddr_storage *out);
/* Mapped addresses become IPv4 ones; of another family: NONE. */
void tgv_sockaddr_decode(const struct sockaddr *sa, struct tgv_addr *out);

/* Class of service (DSCP EF on both families, ENG-25) and, unless 0, size of
 * the kernel's buffers. A system that refuses still carries calls. */
void tgv_socket_wishes(int fd, int family, unsigned buffer_bytes);

#endif
