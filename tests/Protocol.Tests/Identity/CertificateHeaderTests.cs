using System.Security.Cryptography;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

public sealed class CertificateHeaderTests
{
    private static readonly byte[] Der = TestPki.EcIdentity.RawData;
    private static readonly string Base64 = Convert.ToBase64String(Der);

    [Fact]
    public void RFC_9440_is_read()
    {
        Assert.Equal(Der, Parse($":{Base64}:"));
        Assert.Equal(Der, Parse($"  :{Base64}: "));
        Assert.Equal(Der, Parse($":{Base64}:;a=1"));
    }

    [Fact]
    public void The_escaped_PEM_of_nginx_is_read()
    {
        var pem = PemEncoding.WriteString("CERTIFICATE", Der) + "\n";
        Assert.Equal(Der, Parse(Uri.EscapeDataString(pem)));
        Assert.Equal(Der, Parse(pem.Replace("\n", "%0A").Replace("+", "%2B").Replace("/", "%2F").Replace("=", "%3D").Replace(" ", "%20")));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void No_certificate_is_missing(string? value) => Assert.Equal(IdentityRefusal.Missing, TestPki.Refusal(() => Parse(value)));

    [Theory]
    [InlineData(":")]
    [InlineData("::")]
    [InlineData(":AAAA")]
    [InlineData(":A:")]
    [InlineData(":!!!!:")]
    [InlineData(":AAAA:, :AAAA:")]
    [InlineData("AAAA")]
    [InlineData("%2D%2D%2D%2D%2DBEGIN")]
    [InlineData("%GG%")]
    [InlineData("-----BEGIN CERTIFICATE-----%0A-----END CERTIFICATE-----")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----%0AAAAA%0A-----END RSA PRIVATE KEY-----")]
    public void What_is_neither_is_refused(string value) => Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse(value)));

    [Fact]
    public void A_long_header_is_refused_before_it_is_decoded() =>
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse(new string('A', CertificateHeader.MaxHeaderLength + 1))));

    [Fact]
    public void Room_that_is_too_small_is_not_written_over()
    {
        Span<byte> room = stackalloc byte[Der.Length / 2];
        Assert.Equal(Der, CertificateHeader.Parse($":{Base64}:", room).ToArray());
        Assert.Equal(new byte[Der.Length / 2], room.ToArray());
    }

    private static byte[] Parse(string? value)
    {
        Span<byte> room = stackalloc byte[4096];
        return CertificateHeader.Parse(value, room).ToArray();
    }
}
