<?php
// The script of PHP's built-in server: verifies what is posted to
// /PEER?secret=SECRET and answers as the receiver in Node does.

declare(strict_types=1);

function tagged(string $header, string $prefix, string $signed): bool
{
    $tag = $prefix . hash_hmac('sha256', $signed, $_GET['secret']);
    return hash_equals($tag, $_SERVER[$header] ?? '');
}

http_response_code(500); // unless the end is reached
$body = file_get_contents('php://input');
$accepted = match (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    '/inplayer' => tagged('HTTP_X_INPLAYER_SIGNATURE', 'sha256=', $body),
    // Some receivers sign what the framework parsed, written out again.
    '/inplayer-parsed' => tagged('HTTP_X_INPLAYER_SIGNATURE', 'sha256=', http_build_query($_POST)),
    '/conscent' => tagged('HTTP_X_CONSCENT_SIGNATURE', '', $body),
    // The credentials are compared as PHP itself read them.
    '/conscent-basic' => tagged('HTTP_X_CONSCENT_SIGNATURE', '', $body)
        && ($_SERVER['PHP_AUTH_USER'] ?? '') === $_GET['user']
        && ($_SERVER['PHP_AUTH_PW'] ?? '') === $_GET['password'],
};
http_response_code($accepted ? 200 : 401);
