using System.Text;
using CsCheck;
using FleetMdm.Protocol.Push;

namespace FleetMdm.Protocol.Tests.Push;

public sealed class ApnsAnswerTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 8, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(400, "BadCollapseId", ApnsOutcome.Malformed)]
    [InlineData(400, "BadDeviceToken", ApnsOutcome.TokenDead)]
    [InlineData(400, "BadExpirationDate", ApnsOutcome.Malformed)]
    [InlineData(400, "BadMessageId", ApnsOutcome.Malformed)]
    [InlineData(400, "BadPriority", ApnsOutcome.Malformed)]
    [InlineData(400, "BadTopic", ApnsOutcome.Malformed)]
    [InlineData(400, "DeviceTokenNotForTopic", ApnsOutcome.TokenDead)]
    [InlineData(400, "DuplicateHeaders", ApnsOutcome.Malformed)]
    [InlineData(400, "IdleTimeout", ApnsOutcome.Busy)]
    [InlineData(400, "InvalidPushType", ApnsOutcome.Malformed)]
    [InlineData(400, "MissingDeviceToken", ApnsOutcome.Malformed)]
    [InlineData(400, "MissingTopic", ApnsOutcome.Malformed)]
    [InlineData(400, "PayloadEmpty", ApnsOutcome.Malformed)]
    [InlineData(400, "TopicDisallowed", ApnsOutcome.Malformed)]
    [InlineData(403, "BadCertificate", ApnsOutcome.CertificateRefused)]
    [InlineData(403, "BadCertificateEnvironment", ApnsOutcome.CertificateRefused)]
    [InlineData(403, "ExpiredProviderToken", ApnsOutcome.CertificateRefused)]
    [InlineData(403, "Forbidden", ApnsOutcome.CertificateRefused)]
    [InlineData(403, "InvalidProviderToken", ApnsOutcome.CertificateRefused)]
    [InlineData(403, "MissingProviderToken", ApnsOutcome.CertificateRefused)]
    [InlineData(404, "BadPath", ApnsOutcome.Malformed)]
    [InlineData(405, "MethodNotAllowed", ApnsOutcome.Malformed)]
    [InlineData(410, "ExpiredToken", ApnsOutcome.TokenDead)]
    [InlineData(410, "Unregistered", ApnsOutcome.TokenDead)]
    [InlineData(413, "PayloadTooLarge", ApnsOutcome.Malformed)]
    [InlineData(429, "TooManyProviderTokenUpdates", ApnsOutcome.TooManyRequests)]
    [InlineData(429, "TooManyRequests", ApnsOutcome.TooManyRequests)]
    [InlineData(500, "InternalServerError", ApnsOutcome.Busy)]
    [InlineData(503, "ServiceUnavailable", ApnsOutcome.Busy)]
    [InlineData(503, "Shutdown", ApnsOutcome.Busy)]
    public void Every_documented_answer_has_its_consequence(int status, string reason, ApnsOutcome outcome)
    {
        var answer = Read(status, $$"""{"reason":"{{reason}}"}""");

        Assert.Equal(outcome, answer.Outcome);
        Assert.Equal(reason, answer.Reason);
    }

    [Fact]
    public void Two_hundred_is_accepted() => Assert.Equal(ApnsAnswer.Accepted, Read(200, ""));

    [Fact]
    public void A_dead_token_comes_with_the_time_since_when_it_is_dead() =>
        Assert.Equal(
            new ApnsAnswer(ApnsOutcome.TokenDead, "Unregistered", Now),
            Read(410, $$"""{"timestamp":{{Now.ToUnixTimeMilliseconds()}},"reason":"Unregistered"}"""));

    [Theory]
    [InlineData("-5")]
    [InlineData("0")]
    [InlineData("99999999999999999")]
    [InlineData("1e400")]
    [InlineData("\"soon\"")]
    [InlineData("1.5")]
    public void A_senseless_timestamp_is_left_out(string timestamp) =>
        Assert.Equal(new ApnsAnswer(ApnsOutcome.TokenDead, "Unregistered"), Read(410, $$"""{"reason":"Unregistered","timestamp":{{timestamp}}}"""));

    [Fact]
    public void A_proxys_410_does_not_kill_a_token() =>
        Assert.Equal(new ApnsAnswer(ApnsOutcome.Malformed, "HTTP 410"), Read(410, "<html>Gone</html>"));

    [Theory]
    [InlineData(502, ApnsOutcome.Busy)]
    [InlineData(504, ApnsOutcome.Busy)]
    [InlineData(408, ApnsOutcome.Busy)]
    [InlineData(407, ApnsOutcome.Malformed)]
    [InlineData(302, ApnsOutcome.Malformed)]
    [InlineData(204, ApnsOutcome.Malformed)]
    public void An_answer_without_a_reason_is_judged_by_its_status(int status, ApnsOutcome outcome) =>
        Assert.Equal(new ApnsAnswer(outcome, $"HTTP {status}"), Read(status, ""));

    [Theory]
    [InlineData("{\"reason\":\"two words\"}")]
    [InlineData("{\"reason\":\"\"}")]
    [InlineData("{\"reason\":\"a\\u0007b\"}")]
    [InlineData("{\"reason\":17}")]
    [InlineData("[\"reason\"]")]
    [InlineData("{\"reason\":\"\\ud800\"}")]
    public void Only_a_plain_word_counts_as_a_reason(string body) => Assert.Equal("HTTP 503", Read(503, body).Reason);

    [Fact]
    public void Keys_that_are_unknown_are_passed_over() =>
        Assert.Equal("Shutdown", Read(503, """{"more":{"deep":[1,2]},"reason":"Shutdown"}""").Reason);

    [Fact]
    public void A_body_that_was_cut_keeps_what_was_read() => Assert.Equal("Shutdown", Read(503, """{"reason":"Shutdown","mo""").Reason);

    [Theory]
    [InlineData("120", 120)]
    [InlineData("0", 0)]
    [InlineData("Tue, 24 Nov 2026 08:01:00 GMT", 60)]
    [InlineData("Tue, 24 Nov 2026 07:00:00 GMT", 0)]
    public void Retry_after_is_seconds_or_a_date(string header, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), ApnsAnswer.Read(503, default, header, Now).RetryAfter);

    [Theory]
    [InlineData("-1")]
    [InlineData("soon")]
    [InlineData("99999999999999999999")]
    [InlineData(null)]
    public void A_senseless_retry_after_is_left_out(string? header) => Assert.Null(ApnsAnswer.Read(503, default, header, Now).RetryAfter);

    [Fact]
    public void Retry_after_means_nothing_where_nothing_is_retried() => Assert.Null(ApnsAnswer.Read(403, default, "60", Now).RetryAfter);

    [Fact]
    public void No_answer_whatever_makes_it_throw() =>
        Gen.Select(Gen.Int[100, 999], Gen.Byte.Array[0, 200], Gen.String).Sample((status, body, header) =>
            ApnsAnswer.Read(status, body, header, Now).Outcome == ApnsOutcome.Accepted == (status == 200));

    [Fact]
    public void No_damaged_json_makes_it_throw() =>
        Gen.Select(Gen.Int[0, 80], Gen.Byte).Sample((at, value) =>
        {
            var body = """{"reason":"Unregistered","timestamp":1795593600000,"x":[{"y":null}],"z":"\u0041"}"""u8.ToArray();
            body[at % body.Length] = value;
            _ = ApnsAnswer.Read(410, body, null, Now);
        });

    private static ApnsAnswer Read(int status, string body) => ApnsAnswer.Read(status, Encoding.UTF8.GetBytes(body), null, Now);
}
