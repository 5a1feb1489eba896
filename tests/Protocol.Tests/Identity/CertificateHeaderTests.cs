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

    [Fact]
    public void The_plain_Base64_of_HAProxy_and_Caddy_is_read()
    {
        Assert.Equal(Der, Parse(Base64));
        Assert.Equal(Der, Parse(Uri.EscapeDataString(Base64)));
    }

    [Fact]
    public void The_chain_of_Traefik_is_read_when_it_is_one()
    {
        var root = Convert.ToBase64String(TestPki.Root.Certificate);
        Assert.Equal(Der, Parse($"{Base64},{root}"));
        Assert.Equal(Der, Parse(Uri.EscapeDataString($"{Base64},{root}")));
        // A header of the client's that a proxy appended its own to.
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse($"{Base64},{Convert.ToBase64String(TestPki.RsaIdentity.RawData)}")));
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse($"{Base64},")));
    }

    [Fact]
    public void The_PEM_of_Apache_and_the_chain_of_AWS_are_read()
    {
        var pem = PemEncoding.WriteString("CERTIFICATE", Der);
        Assert.Equal(Der, Parse(pem.Replace('\n', ' ')));
        Assert.Equal(Der, Parse(Uri.EscapeDataString(pem + "\n" + PemEncoding.WriteString("CERTIFICATE", TestPki.Root.Certificate)).Replace("%2B", "+").Replace("%2F", "/").Replace("%3D", "=")));
    }

    [Fact]
    public void The_XFCC_of_Envoy_is_read()
    {
        var pem = Uri.EscapeDataString(PemEncoding.WriteString("CERTIFICATE", Der) + "\n");
        Assert.Equal(Der, Parse($"Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688;Cert=\"{pem}\";Subject=\"CN=a\\\"b;c,d\";URI="));
        Assert.Equal(Der, Parse($"By=spiffe://a;Cert={pem}"));
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse($"Cert=\"{pem}\",Cert=\"{pem}\"")));
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse($"Cert=\"{pem}\";Cert=\"{pem}\"")));
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse($"Cert=\"{pem}")));
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse("Hash=abc;Subject=\"CN=a\"")));
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse("Hash=abc;Subject")));
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => Parse("Cert=\"a\"b")));
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
