/* What a page's scripts can call of a module. */
#ifndef PAGE_EXPORT_H
#define PAGE_EXPORT_H

#define EXPORT(name) __attribute__((export_name(#name))) name

#endif
