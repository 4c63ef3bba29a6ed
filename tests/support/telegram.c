/* SPDX-License-Identifier: MIT */
#include "support/hand.h"
