/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_SYNC_H
#define TGV_IO_SYNC_H
/*
 * A mutex with a condition, for the edge between users' threads and loops.
 */

struct tgv_lock;

/* NULL when memory is short. */
struct tgv_lock *tgv_lock_create(void);
void tgv_lock_destroy(struct tgv_lock *k); /* NULL is fine */
void tgv_lock_enter(struct tgv_lock *k);
void tgv_lock_leave(struct tgv_lock *k);
/* Inside: leave, sleep until somebody wakes (or for no reason), enter. */
void tgv_lock_wait(struct tgv_lock *k);
/* Wake all that wait. */
void tgv_lock_wake(struct tgv_lock *k);

#endif
