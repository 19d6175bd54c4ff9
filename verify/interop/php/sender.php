<?php
// Signs and posts, line by line as the sender in Node does. A message with form
// instead of body holds nested fields, which PHP itself writes as a form.

declare(strict_types=1);

function tag(string $peer, string $body, string $secret): string
{
    $header = ['inplayer' => 'X-InPlayer-Signature: sha256=', 'conscent' => 'X-Conscent-Signature: '][$peer];
    return $header . hash_hmac('sha256', $body, $secret);
}

while (($line = fgets(STDIN)) !== false) {
    $m = json_decode($line, true, 64, JSON_THROW_ON_ERROR);
    $body = isset($m['form']) ? http_build_query($m['form']) : base64_decode($m['body']);
    $sent = isset($m['send']) ? base64_decode($m['send']) : $body;
    $type = $m['peer'] === 'inplayer' ? 'application/x-www-form-urlencoded' : 'application/json';
    $headers = ["Content-Type: $type", 'Connection: close', tag($m['peer'], $body, $m['secrets'][0])];
    if (isset($m['user'])) {
        $headers[] = 'Authorization: Basic ' . base64_encode($m['user'] . ':' . $m['password']);
    }
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'protocol_version' => 1.1,
        'header' => $headers,
        'content' => $sent,
        'ignore_errors' => true,
        'timeout' => 10,
    ]]);
    $answer = @file_get_contents($m['url'], false, $context);
    echo json_encode($answer === false ? ['error' => error_get_last()['message']] : [
        'status' => (int) explode(' ', $http_response_header[0])[1],
        'theirs' => hash_equals(tag($m['peer'], $sent, $m['check']), $headers[2]),
        'sent' => base64_encode($sent),
    ]), "\n";
}
