// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import "path/filepath"

// temporaries are patterns of names that come and go while somebody edits, or
// that hold nothing which a program could depend on.
var temporaries = []string{
	"4913",                   // Vim tries whether it may create files.
	".*.sw[a-px]", ".*.swpx", // swap files of Vim and nano
	"*~", // backups of Vim, Emacs, gedit and others
	".*.un~",
	".#*", "#*#", // Emacs: locks and unsaved text
	"*___jb_tmp___", "*___jb_old___", ".idea", // JetBrains
	".*.kate-swp",
	".*.kak.??????",
	".goutputstream-??????", // GLib writes beside the file that it replaces.
	".~lock.*#",             // LibreOffice
	"*-go-tmp-umask",        // The go command tries the umask.
	".DS_Store", "._*",      // macOS
	".nfs????????????????????????", ".fuse_hidden*", // removed, but still open
}

// temporary says whether the name of a file or directory is one of those.
func temporary(name string) bool {
	for _, pattern := range temporaries {
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	return false
}
