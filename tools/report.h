/* SPDX-License-Identifier: MIT */
#ifndef TOOL_REPORT_H
#define TOOL_REPORT_H
/**
 * @file
 * The page template that is embedded at build time from report.html.in. The
 * text `@DATA@` in it is replaced by the report's JSON.
 */
extern const unsigned char report_template[];
extern const unsigned long report_template_size;

#endif
