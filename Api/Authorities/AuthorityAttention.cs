using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Enrolment;

namespace FleetMdm.Api.Authorities;

/// <summary>A CA that ends takes every certificate with it: time to change it.</summary>
internal sealed class AuthorityAttention(EnrolmentAuthority authority, TimeProvider time) : IAttention
{
    private const int Order = 22;

    /// <summary>Certificates of iPads are cut short by then, and people are slow.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromDays(730);

    public Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        if (!reader.IsOfDistrict || authority.Current is not { } current) return Task.FromResult<IReadOnlyList<AttentionItem>>([]);
        var left = current.Ca.Certificate.NotAfter - time.GetUtcNow();
        if (left > Notice) return Task.FromResult<IReadOnlyList<AttentionItem>>([]);
        return Task.FromResult<IReadOnlyList<AttentionItem>>([new AttentionItem(Order, Math.Max(0, (long)left.TotalDays), "days until the CA of the iPads' identities ends", "/authorities")]);
    }
}
