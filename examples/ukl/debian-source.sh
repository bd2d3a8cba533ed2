# Read by others of these scripts. `debian_source PACKAGE` leaves what PACKAGE is made from, with Debian's patches, in
# ./source, which stays if it is there. Needs apt's access to the archive; changes nothing of apt's own.
debian_source() {
	[ ! -d source ] || return 0
	mkdir -p apt/lists/partial apt/cache/archives/partial
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb-src [signed-by=$key] http://deb.debian.org/debian bookworm main" >apt/sources.list
	cat >apt/conf <<-EOF
		Dir::Etc::sourcelist "$PWD/apt/sources.list";
		Dir::Etc::sourceparts "-";
		Dir::State::lists "$PWD/apt/lists";
		Dir::Cache "$PWD/apt/cache";
	EOF
	APT_CONFIG=$PWD/apt/conf apt-get -qq update
	APT_CONFIG=$PWD/apt/conf apt-get -qq --download-only source "$1"
	rm -rf unpacked && mkdir unpacked
	tar -C unpacked --strip-components 1 -xf "$1"_*.orig.tar.?z
	tar -C unpacked -xf "$1"_*.debian.tar.xz
	(
		cd unpacked
		grep -v '^#' debian/patches/series | while read -r patch; do
			patch -s -p1 <"debian/patches/$patch"
		done
	)
	mv unpacked source
}
