using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

public sealed class CertificateAuthorityTests
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    public static TheoryData<CaKeyType> KeyTypes => [.. Enum.GetValues<CaKeyType>()];

    private static X509Certificate2 Load(ReadOnlyMemory<byte> der) => X509CertificateLoader.LoadCertificate(der.Span);

    private static T Extension<T>(X509Certificate2 certificate) where T : X509Extension => certificate.Extensions.OfType<T>().Single();

    [Theory, MemberData(nameof(KeyTypes))]
    public void Every_kind_of_CA_issues_certificates_that_openssl_trusts(CaKeyType keyType)
    {
        // openssl looks at its own clock.
        var now = TimeProvider.System.GetUtcNow();
        var root = CertificateAuthority.CreateRoot(keyType, "District of Ölmühle", now, Year * 20);
        using var ca = new CertificateAuthority(root);
        var folder = Directory.CreateTempSubdirectory("fleetmdm-ca-").FullName;
        try
        {
            string Save(string name, ReadOnlyMemory<byte> der)
            {
                var path = Path.Combine(folder, name);
                File.WriteAllText(path, PemEncoding.WriteString("CERTIFICATE", der.Span));
                return path;
            }
            var rootFile = Save("root.pem", root.Certificate);
            var identity = Save("identity.pem", ca.IssueIdentity(CertificateSigningRequest.Parse(TestPki.Csr(TestPki.EcKey)), now, Year).Der);
            var server = Save("server.pem", ca.IssueServer(["mdm.example.org"], now, CertificateAuthority.MaxServerLifetime).Certificate);
            TestPki.Run("openssl", $"verify -x509_strict -purpose sslclient -CAfile {rootFile} {identity}");
            TestPki.Run("openssl", $"verify -x509_strict -purpose sslserver -verify_hostname mdm.example.org -CAfile {rootFile} {server}");
            TestPki.Run("openssl", $"verify -x509_strict -purpose sslserver -CAfile {rootFile} {identity}", expectFailure: true);
            TestPki.Run("openssl", $"verify -x509_strict -purpose sslclient -CAfile {rootFile} {server}", expectFailure: true);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("mdm.example.org", "-verify_hostname mdm.example.org", "mdm.example.com", "10.0.0.8")]
    [InlineData("xn--lmhle-kva5p.example", "-verify_hostname xn--lmhle-kva5p.example", "example", "10.0.0.8")]
    [InlineData("10.0.0.7", "-verify_ip 10.0.0.7", "10.0.0.8", "mdm.example.org")]
    [InlineData("2001:db8::7", "-verify_ip 2001:db8::7", "2001:db8::8", "mdm.example.org")]
    [InlineData("localhost", "-verify_hostname localhost", "10.0.0.8", "mdm.example.org")]
    public void A_root_for_TLS_vouches_for_its_host_and_for_no_other(string host, string asked, string other, string otherForm)
    {
        var now = TimeProvider.System.GetUtcNow();
        var root = CertificateAuthority.CreateTlsRoot("District", host, now, Year * 20);
        using var ca = new CertificateAuthority(root);
        var folder = Directory.CreateTempSubdirectory("fleetmdm-root-").FullName;
        try
        {
            Verify(ca, root.Certificate, host, asked, [other, otherForm], folder, now);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Verify(CertificateAuthority ca, byte[] root, string host, string asked, string[] others, string folder, DateTimeOffset now)
    {
        string Save(string name, ReadOnlyMemory<byte> der)
        {
            var path = Path.Combine(folder, name);
            File.WriteAllText(path, PemEncoding.WriteString("CERTIFICATE", der.Span));
            return path;
        }

        var rootFile = Save("root.pem", root);
        var verify = $"verify -x509_strict -purpose sslserver -CAfile {rootFile}";
        var constraints = Assert.Single(Load(root).Extensions, extension => extension.Oid!.Value == "2.5.29.30");
        Assert.True(constraints.Critical);
        var own = ca.IssueServer(CertificateAuthority.NamesOfTlsRoot(host), now, CertificateAuthority.MaxServerLifetime).Certificate;
        var ownFile = Save("own.pem", own);
        TestPki.Run("openssl", $"{verify} {asked} {ownFile}");
        TestPki.Run("openssl", $"{verify} -verify_ip 127.0.0.1 {ownFile}");
        Assert.True(Builds(own, root));

        // The same key, in the hands of a thief.
        foreach (var name in others)
        {
            var stolen = ca.IssueServer([host, name], now, CertificateAuthority.MaxServerLifetime).Certificate;
            TestPki.Run("openssl", $"{verify} {Save("stolen.pem", stolen)}", expectFailure: true);
            Assert.False(Builds(stolen, root));
            var alone = ca.IssueServer([name], now, CertificateAuthority.MaxServerLifetime).Certificate;
            TestPki.Run("openssl", $"{verify} {Save("alone.pem", alone)}", expectFailure: true);
        }

        TestPki.Run("openssl", $"verify -x509_strict -CAfile {rootFile} {Save("signer.pem", ca.IssueProfileSigner("District", now, Year).Certificate)}");
    }

    private static bool Builds(byte[] certificate, byte[] root)
    {
        using var chain = new X509Chain
        {
            ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { Load(root) }, RevocationMode = X509RevocationMode.NoCheck },
        };
        return chain.Build(Load(certificate));
    }

    [Fact]
    public void The_root_may_sign_end_certificates_only()
    {
        var root = Load(TestPki.Root.Certificate);
        var constraints = Extension<X509BasicConstraintsExtension>(root);
        Assert.True(constraints is { Critical: true, CertificateAuthority: true, HasPathLengthConstraint: true, PathLengthConstraint: 0 });
        Assert.Equal(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, Extension<X509KeyUsageExtension>(root).KeyUsages);
        Assert.Equal(["District MDM root", "District"],
            root.SubjectName.EnumerateRelativeDistinguishedNames().Select(name => name.GetSingleElementValue()));
    }

    [Fact]
    public void An_identity_certificate_is_for_its_key_its_name_and_its_time()
    {
        var csr = CertificateSigningRequest.Parse(TestPki.Csr(TestPki.RsaKey, "CN=iPad 7, O=School"));
        var certificate = Load(TestPki.Ca.IssueIdentity(csr, TestPki.Now, Year).Der);
        // The server's words, not the request's.
        Assert.Equal($"CN=iPad {Convert.ToHexStringLower(csr.PublicKeySha256.AsSpan(0, 8))}, O=District", certificate.Subject);
        Assert.Equal(TestPki.RsaKey.ExportSubjectPublicKeyInfo(), certificate.PublicKey.ExportSubjectPublicKeyInfo());
        Assert.Equal(TestPki.Now.UtcDateTime - CertificateAuthority.ClockSkew, certificate.NotBefore.ToUniversalTime());
        Assert.Equal(TestPki.Now.UtcDateTime + Year, certificate.NotAfter.ToUniversalTime());
        Assert.True(Extension<X509BasicConstraintsExtension>(certificate) is { Critical: true, CertificateAuthority: false });
        Assert.Equal(["1.3.6.1.5.5.7.3.2"], Extension<X509EnhancedKeyUsageExtension>(certificate).EnhancedKeyUsages.Cast<Oid>().Select(usage => usage.Value));
        Assert.Equal(Extension<X509SubjectKeyIdentifierExtension>(Load(TestPki.Root.Certificate)).SubjectKeyIdentifierBytes,
            Extension<X509AuthorityKeyIdentifierExtension>(certificate).KeyIdentifier!.Value);
        Assert.NotNull(Extension<X509SubjectKeyIdentifierExtension>(certificate).SubjectKeyIdentifier);
    }

    [Fact]
    public void A_renewed_certificate_says_which_one_it_renews_and_a_first_one_does_not()
    {
        var csr = CertificateSigningRequest.Parse(TestPki.Csr(TestPki.EcKey));
        var first = TestPki.Ca.IssueIdentity(csr, TestPki.Now, Year);
        var renewed = TestPki.Ca.IssueIdentity(csr, TestPki.Now, Year, first.Sha256);

        Assert.Null(first.Renews);
        Assert.Equal(first.Sha256, renewed.Renews);
        // An iPad that does not know the extension passes it over.
        Assert.False(Load(renewed.Der).Extensions.Single(extension => extension.Oid!.Value!.StartsWith("2.25.", StringComparison.Ordinal)).Critical);
    }

    [Fact]
    public void Serial_numbers_are_positive_16_bytes_and_never_meet()
    {
        var csr = CertificateSigningRequest.Parse(TestPki.Csr(TestPki.EcKey));
        var serials = Enumerable.Range(0, 100).Select(_ => TestPki.Ca.IssueIdentity(csr, TestPki.Now, Year).SerialNumber.ToArray()).ToList();
        Assert.All(serials, serial => Assert.Equal(16, serial.Length));
        Assert.All(serials, serial => Assert.InRange(serial[0], 0x40, 0x7F));
        Assert.Equal(100, serials.Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public void Nothing_outlives_the_CA()
    {
        using var ca = new CertificateAuthority(CertificateAuthority.CreateRoot(CaKeyType.EcP256, "Short", TestPki.Now, Year));
        var csr = CertificateSigningRequest.Parse(TestPki.Csr(TestPki.EcKey));
        Assert.Equal(ca.Certificate.NotAfter, ca.IssueIdentity(csr, TestPki.Now, Year * 5).NotAfter);
        Assert.True(ca.IssueIdentity(csr, TestPki.Now, Year).NotBefore >= ca.Certificate.NotBefore);
    }

    [Fact]
    public void A_root_of_after_2049_is_read_like_any_other()
    {
        using var ca = new CertificateAuthority(CertificateAuthority.CreateRoot(CaKeyType.EcP384, "Long", TestPki.Now, Year * 40));
        Assert.Equal(2066, ca.Certificate.NotAfter.Year);
    }

    [Fact]
    public void A_server_certificate_lives_no_longer_than_Apple_allows()
    {
        var certificate = Load(TestPki.Ca.IssueServer(["mdm.example.org", "10.0.0.7", "::1"], TestPki.Now, CertificateAuthority.MaxServerLifetime).Certificate);
        Assert.InRange(certificate.NotAfter - certificate.NotBefore, TimeSpan.FromDays(396), TimeSpan.FromDays(397));
        Assert.True(certificate.MatchesHostname("mdm.example.org"));
        Assert.True(certificate.MatchesHostname("10.0.0.7"));
        Assert.False(certificate.MatchesHostname("example.org"));
        Assert.Throws<ArgumentOutOfRangeException>(() => TestPki.Ca.IssueServer(["a"], TestPki.Now, TimeSpan.FromDays(398)));
        Assert.Throws<ArgumentOutOfRangeException>(() => TestPki.Ca.IssueServer([], TestPki.Now, Year));
    }

    [Fact]
    public void A_request_does_not_get_the_CAs_name()
    {
        var csr = CertificateSigningRequest.Parse(
            new CertificateRequest(new X500DistinguishedName(TestPki.Ca.Certificate.Subject.Span), TestPki.EcKey, HashAlgorithmName.SHA256).CreateSigningRequest());
        Assert.StartsWith("CN=iPad ", TestPki.Ca.IssueIdentity(csr, TestPki.Now, Year).SubjectName, StringComparison.Ordinal);
    }

    [Fact]
    public void Certificate_and_key_survive_PKCS_12()
    {
        var identities = new[] { TestPki.Root, TestPki.Ca.IssueProfileSigner("District", TestPki.Now, Year) };
        foreach (var keyed in identities)
        {
            var back = KeyedCertificate.FromPkcs12(keyed.ExportPkcs12("secret"), "secret");
            Assert.Equal(keyed.Certificate, back.Certificate);
            using var opened = back.Open();
            Assert.True(opened.HasPrivateKey);
            Assert.ThrowsAny<CryptographicException>(() => KeyedCertificate.FromPkcs12(keyed.ExportPkcs12("secret"), "guess"));
        }
    }

    [Fact]
    public void A_key_never_shows_in_text()
    {
        Assert.DoesNotContain(Convert.ToHexStringLower(TestPki.Root.PrivateKey.AsSpan(0, 8)), TestPki.Root.ToString());
        Assert.StartsWith("certificate ", TestPki.Root.ToString());
        Assert.Equal(TestPki.Ca.Certificate.ToString(), TestPki.Root.ToString());
    }

    [Fact]
    public void A_certificate_that_is_no_CAs_makes_no_CA()
    {
        var server = TestPki.Ca.IssueServer(["a"], TestPki.Now, TimeSpan.FromDays(1));
        Assert.Throws<CryptographicException>(() => new CertificateAuthority(server));
        Assert.Throws<ArgumentOutOfRangeException>(() => CertificateAuthority.CreateRoot((CaKeyType)9, "x", TestPki.Now, Year));
        Assert.ThrowsAny<Exception>(() => new CertificateAuthority(TestPki.Root with { PrivateKey = server.PrivateKey }));
    }
}
