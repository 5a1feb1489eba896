using System.Text;
using System.Text.Json;
using CsCheck;
using FleetMdm.Protocol.Push;

namespace FleetMdm.Protocol.Tests.Push;

public sealed class ApnsRequestTests
{
    private static readonly DateTimeOffset Tomorrow = new(2026, 11, 25, 8, 0, 0, TimeSpan.Zero);
    private static readonly byte[] Token = [0x00, 0x9A, 0xFF];

    [Fact]
    public void A_push_is_a_post_to_the_hexadecimal_token_with_the_push_magic_and_nothing_else()
    {
        var request = ApnsRequest.Mdm(Token, "com.apple.mgmt.External.1", "7FA3-42", Tomorrow);

        Assert.Equal("/3/device/009aff", request.Path);
        Assert.Equal("com.apple.mgmt.External.1", request.Topic);
        Assert.Equal("1795593600", request.Expiration);
        Assert.Equal("""{"mdm":"7FA3-42"}""", Encoding.UTF8.GetString(request.Body.Span));
    }

    [Fact]
    public void Whatever_the_push_magic_is_the_body_is_json_with_exactly_that_value() =>
        Gen.String.Where(magic => !magic.Any(char.IsSurrogate)).Sample(magic =>
        {
            var request = ApnsRequest.Mdm(Token, "t", magic, Tomorrow);
            using var json = JsonDocument.Parse(request.Body);
            var only = Assert.Single(json.RootElement.EnumerateObject());
            Assert.Equal("mdm", only.Name);
            Assert.Equal(magic, only.Value.GetString());
        });

    [Theory]
    [InlineData(0)]
    [InlineData(ApnsRequest.LongestToken + 1)]
    public void A_token_that_cannot_be_one_is_refused(int length) =>
        Assert.Throws<ArgumentException>(() => ApnsRequest.Mdm(new byte[length], "t", "m", Tomorrow));

    [Fact]
    public void It_never_shows_token_or_push_magic_in_a_log()
    {
        var text = ApnsRequest.Mdm(Token, "topic", "MAGIC", Tomorrow).ToString();

        Assert.DoesNotContain("MAGIC", text, StringComparison.Ordinal);
        Assert.DoesNotContain("009aff", text, StringComparison.OrdinalIgnoreCase);
    }
}
