<?php
// Runs receiver.php in PHP's built-in server. It writes {"port":N} when the
// server listens, and ends it when its own standard input ends.

declare(strict_types=1);

$server = proc_open(
    [PHP_BINARY, '-S', '127.0.0.1:0', __DIR__ . '/receiver.php'],
    [0 => ['file', '/dev/null', 'r'], 1 => ['file', '/dev/null', 'w'], 2 => ['pipe', 'w']],
    $pipes,
);
$listening = false;
for (;;) {
    $ready = [STDIN, $pipes[2]];
    $none = null;
    stream_select($ready, $none, $none, null);
    if (in_array(STDIN, $ready, true)) {
        break; // nothing is ever written there
    }
    $line = fgets($pipes[2]); // must be read, or the server stops when the pipe is full
    if ($line === false) {
        break;
    }
    if (!$listening && preg_match('~\(http://127\.0\.0\.1:(\d+)\) started~', $line, $found)) {
        $listening = true;
        echo json_encode(['port' => (int) $found[1]]), "\n";
    } elseif (preg_match('~PHP \w+ error|Warning|\[500\]~', $line)) {
        fwrite(STDERR, $line);
    }
}
proc_terminate($server);
proc_close($server);
