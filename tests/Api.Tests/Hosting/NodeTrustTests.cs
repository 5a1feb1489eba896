using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Api.Hosting.Nodes;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Api.Tests.Hosting;

/// <summary>The certificates by which nodes know each other.</summary>
public sealed class NodeTrustTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 9, 1, 8, 0, 0, TimeSpan.Zero));
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(SecretSealer.KeyLength);

    [Fact]
    public void Nodes_with_the_same_master_key_and_cluster_know_each_other_and_no_others()
    {
        using var one = Node(_key, "north");
        using var other = Node(_key, "north");
        using var elsewhere = Node(_key, "south");
        using var stranger = Node(RandomNumberGenerator.GetBytes(SecretSealer.KeyLength), "north");

        Assert.True(one.IsNode(other.Own));
        Assert.True(other.IsNode(one.Own));
        Assert.False(one.IsNode(elsewhere.Own));
        Assert.False(one.IsNode(stranger.Own));
        Assert.NotEqual(one.Own.GetPublicKey(), other.Own.GetPublicKey());
    }

    [Fact]
    public void A_certificate_that_a_stranger_signs_himself_in_the_same_words_is_not_believed()
    {
        using var node = Node(_key, "north");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(node.Own.SubjectName, key, HashAlgorithmName.SHA256);
        foreach (var extension in node.Own.Extensions) request.CertificateExtensions.Add(extension);
        using var forged = request.CreateSelfSigned(_time.GetUtcNow().AddDays(-1), _time.GetUtcNow().AddDays(1));
        using var signed = request.Create(node.Own.IssuerName, X509SignatureGenerator.CreateForECDsa(key), _time.GetUtcNow().AddDays(-1), _time.GetUtcNow().AddDays(1), [1]);

        Assert.False(node.IsNode(forged));
        Assert.False(node.IsNode(signed));
    }

    [Fact]
    public void A_certificate_is_made_anew_long_before_it_ends_and_one_that_has_ended_is_not_believed()
    {
        using var node = Node(_key, "north");
        using var other = Node(_key, "north");
        var first = node.Own;
        _time.Advance(NodeTrust.Lifetime - NodeTrust.RenewBefore);
        Assert.Same(first, node.Own);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.NotSame(first, node.Own);
        Assert.True(other.IsNode(first));
        Assert.True(other.IsNode(node.Own));

        _time.Advance(NodeTrust.RenewBefore);
        Assert.False(other.IsNode(first));
    }

    private NodeTrust Node(byte[] key, string cluster) => new(new SecretSealer(key), cluster, _time);
}
