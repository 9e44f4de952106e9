# read-audit.pl FIRST LAST MOST KEY: prints what the kernel's audit subsystem says of calls that it refused (EACCES, EPERM) to users
# FIRST to LAST, one record a line as `<type> <text>`, as its multicast group gives it to any number of readers (CAP_AUDIT_READ).
# Of each user at most MOST calls a second, then `over <uid> <calls>`, so that none drowns out another; `lost` where the kernel
# had more than this could read; `heard` when a rule with the key KEY comes into force, which shows that records come here at all.
# Ends with its input, so that it never outlives the plane.
use strict;
use warnings;
use Errno qw(ENOBUFS EINTR);

my ($first, $last, $most, $key) = @ARGV;
my ($AF_NETLINK, $SOCK_RAW, $NETLINK_AUDIT, $READLOG) = (16, 3, 9, 1);
my ($SOL_SOCKET, $SO_RCVBUFFORCE) = (1, 33);
my ($SYSCALL, $CONFIG, $END) = (1300, 1305, 1320);

socket(my $audit, $AF_NETLINK, $SOCK_RAW, $NETLINK_AUDIT) or die "no audit socket: $!\n";
setsockopt($audit, $SOL_SOCKET, $SO_RCVBUFFORCE, pack('i', 8 << 20));
bind($audit, pack('SSLL', $AF_NETLINK, 0, 0, $READLOG)) or die "no audit records: $!\n";
$| = 1;
# An interrupt at the terminal reaches whole groups; the plane still stops in order then.
$SIG{$_} = 'IGNORE' for qw(INT TERM HUP);
print "ready\n";

my ($second, $lost, %taken, %events) = (time, 0);
while (1) {
  my $readable = '';
  vec($readable, $_, 1) = 1 for fileno(STDIN), fileno($audit);
  select($readable, undef, undef, 1);
  if (time != $second) {
    $taken{$_} > $most and print "over $_ " . ($taken{$_} - $most) . "\n" for keys %taken;
    print "lost\n" if $lost;
    ($second, $lost, %taken) = (time, 0);
  }
  next if $readable =~ /^\0*$/;
  if (vec($readable, fileno(STDIN), 1)) { sysread(STDIN, my $input, 64) or exit }
  next unless vec($readable, fileno($audit), 1);
  if (!defined recv($audit, my $message, 65_536, 0)) {
    die "no more audit records: $!\n" unless $!{ENOBUFS} || $!{EINTR};
    # Ends of events may be among what was lost.
    ($lost, %events) = (1) if $!{ENOBUFS};
  } else {
    my (undef, $type) = unpack('LS', $message);
    my $text = substr($message, 16);
    $text =~ s/[\0\n]+/ /g;
    my ($event) = $text =~ /^audit\((\S+)\):/ or next;
    if ($type == $SYSCALL) {
      my ($uid) = $text =~ / uid=(\d+) / or next;
      next unless $uid >= $first && $uid <= $last && $text =~ / exit=-(?:1|13) / && ++$taken{$uid} <= $most;
      $events{$event} = 1;
    }
    print "heard\n" if $type == $CONFIG && index($text, qq(op=add_rule key="$key")) >= 0;
    next unless $events{$event};
    print "$type $text\n";
    delete $events{$event} if $type == $END;
  }
}
