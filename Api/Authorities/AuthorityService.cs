using System.Globalization;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Renewals;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Authorities;

/// <summary>Lists and changes the CAs of identities, for REST and for the console. They are a grain's state: what happens to one is recorded before.</summary>
internal sealed class AuthorityService(
    IGrainFactory grains, EnrolmentAuthority authority, IRenewalStore renewals, AuditTrail trail, IOptions<HttpOptions> http)
{
    private ICertificateAuthorityGrain Grain => grains.GetGrain<ICertificateAuthorityGrain>(ICertificateAuthorityGrain.Key);

    public async Task<AuthoritiesView> List()
    {
        var known = await Grain.GetSealed();
        var counts = await renewals.CountIssuers();
        long Devices(IdentityCertificate ca, bool isFirst) => counts
            .Where(count => count.Known && (count.Sha256 is { } issuer ? issuer.AsSpan().SequenceEqual(ca.Sha256) : isFirst)).Sum(count => count.Devices);

        AuthorityView View(byte[] certificate, string state)
        {
            var ca = IdentityCertificate.Parse(certificate);
            // Before the first change there is one CA, and all is its.
            var isFirst = known.FirstCa is { } first ? first.AsSpan().SequenceEqual(ca.Sha256) : state == "active";
            return new AuthorityView
            {
                Id = ca.Sha256Hex,
                State = state,
                Subject = ca.SubjectName,
                NotBefore = ca.NotBefore,
                NotAfter = ca.NotAfter,
                Devices = Devices(ca, isFirst),
            };
        }

        var items = new List<AuthorityView> { View(known.Ca.Certificate, "active") };
        if (known.NextCa is { } next) items.Add(View(next.Certificate, "prepared") with { ActivatableAt = known.PreparedAt + SealedAuthority.LearntAfter });
        items.AddRange((known.FormerCas ?? []).Select(former => View(former.Certificate, "former") with { ReplacedAt = former.ReplacedAt }));
        return new AuthoritiesView { Items = items, OtherDevices = counts.Where(count => !count.Known).Sum(count => count.Devices) };
    }

    /// <exception cref="ApiProblem">404: there is none.</exception>
    public async Task<AuthorityView> Find(string id) => (await List()).Items.FirstOrDefault(item => string.Equals(item.Id, id, StringComparison.OrdinalIgnoreCase))
        ?? throw ApiProblem.NotFound("There is no CA with this SHA-256.");

    /// <exception cref="ApiProblem">409: one is prepared, or this installation cannot do it.</exception>
    public async Task<AuthorityView> Prepare(HttpContext context)
    {
        if (http.Value.PresentsBuiltInCa && !(await authority.Get()).HasTlsRoot)
        {
            throw ApiProblem.Conflict(ProblemCodes.AuthorityForTls, "The CA is also the root for TLS",
                "iPads trust this CA for TLS too. Move to a root for this server only first (docs/operations.md): then the CA can be changed without an iPad losing the server.");
        }

        if ((await Grain.GetSealed()).NextCa is not null) throw AlreadyPrepared();
        await trail.Record(context, AuditVerbs.AuthorityPrepare, AuditTargets.Authority);
        if (await Grain.PrepareNext() == AuthorityOutcome.AlreadyDone) throw AlreadyPrepared();
        await Learn();
        return (await List()).Items.First(item => item.State == "prepared");
    }

    /// <exception cref="ApiProblem">404: there is no such CA; 409: it is a former one, or it is too early.</exception>
    public async Task<AuthorityView> Activate(HttpContext context, string id)
    {
        var found = await Find(id);
        if (found.State == "former")
            throw ApiProblem.Conflict(ProblemCodes.AuthorityState, "It issues no more", "A former CA has no key any more, so it cannot be activated. Prepare a new one.");
        if (found.State == "active") return found;
        await trail.Record(context, AuditVerbs.AuthorityActivate, AuditTargets.Authority, found.Id);
        switch (await Grain.ActivateNext(Convert.FromHexString(found.Id)))
        {
            case AuthorityOutcome.Done or AuthorityOutcome.AlreadyDone:
                await Learn();
                return await Find(id);
            case AuthorityOutcome.TooEarly:
                throw ApiProblem.Conflict(ProblemCodes.AuthorityState, "It is too early", string.Create(CultureInfo.InvariantCulture,
                    $"Each node has to learn of the new CA before it issues. Activate it after {found.ActivatableAt!.Value.UtcDateTime:yyyy-MM-dd HH:mm} UTC."));
            default:
                throw ApiProblem.NotFound("There is no CA with this SHA-256 that is prepared.");
        }
    }

    /// <exception cref="ApiProblem">404: there is no such CA; 409: it issues, or iPads depend on it.</exception>
    public async Task Retire(HttpContext context, string id, bool force)
    {
        var found = await Find(id);
        if (found.State == "active")
            throw ApiProblem.Conflict(ProblemCodes.AuthorityState, "It issues", "This CA issues the identities of iPads. Prepare and activate another one first.");
        if (found.Devices > 0 && !force)
        {
            throw ApiProblem.Conflict(ProblemCodes.AuthorityInUse, "iPads depend on it", string.Create(CultureInfo.InvariantCulture,
                $"{found.Devices} enrolled iPads still have a certificate of this CA. They would be refused, and have to be enrolled again. Wait until they are renewed, or force it."));
        }

        await trail.Record(context, AuditVerbs.AuthorityRetire, AuditTargets.Authority, found.Id,
            detail: found.Devices > 0 ? string.Create(CultureInfo.InvariantCulture, $"by force, with {found.Devices} iPads") : null);
        if (await Grain.Retire(Convert.FromHexString(found.Id)) != AuthorityOutcome.Done) throw ApiProblem.NotFound("There is no CA with this SHA-256.");
        await Learn();
    }

    /// <summary>This node at once; the others look every few minutes.</summary>
    private Task Learn() => authority.Refresh();

    private static ApiProblem AlreadyPrepared() =>
        ApiProblem.Conflict(ProblemCodes.AuthorityState, "One is prepared", "A new CA is prepared already. Activate it, or retire it first.");
}
