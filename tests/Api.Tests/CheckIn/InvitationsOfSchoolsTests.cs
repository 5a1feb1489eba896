using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Api.Tests.CheckIn;

public sealed class SqliteInvitationsOfSchoolsTests(AdministeredOnSqlite server) : InvitationsOfSchoolsTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class PostgresInvitationsOfSchoolsTests(AdministeredOnPostgreSql server) : InvitationsOfSchoolsTests(server), IClassFixture<AdministeredOnPostgreSql>;

/// <summary>What an invitation of somebody does whose rights are for some schools, or for their own iPads: by HTTP on both sides.</summary>
public abstract class InvitationsOfSchoolsTests(AdministeredServer server)
{
    private async Task<JsonNode> Made(string path, string json, HttpClient? by = null)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await (by ?? server.Admin).PostAsync(new Uri("/api/v1/" + path, UriKind.Relative), content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }

    private async Task<string> School()
    {
        var name = $"School {Guid.NewGuid():N}";
        await Made("schools", $$"""{"name": "{{name}}"}""");
        return name;
    }

    private async Task<HttpClient> Technician(string school) => new()
    {
        BaseAddress = server.Admin.BaseAddress,
        DefaultRequestHeaders =
        {
            Authorization = new AuthenticationHeaderValue("Bearer", (string)(await Made("tokens", $$"""{"name": "technician", "role": "school-technician", "schools": ["{{school}}"]}"""))["token"]!),
        },
    };

    /// <summary>A certificate that came by an invitation.</summary>
    private async Task<X509Certificate2> Invited(HttpClient? by, string school, string more = "")
    {
        var url = (string)(await Made("invitations", $$"""{"school": "{{school}}"{{more}}}""", by))["url"]!;
        return await Issued(url[(url.LastIndexOf('/') + 1)..]);
    }

    private async Task<X509Certificate2> Issued(string invitation)
    {
        var certificate = await server.IssueIdentity();
        var issued = await server.Service<IEnrolmentStore>().Issue(new IssueRequest
        {
            ChallengeHash = RandomNumberGenerator.GetBytes(32),
            PublicKeyHash = RandomNumberGenerator.GetBytes(32),
            At = TimeProvider.System.GetUtcNow(),
            Certificate = new IssuedCertificate
            {
                Sha256 = SHA256.HashData(certificate.RawData),
                Der = certificate.RawData,
                InvitationId = invitation,
                IssuedAt = TimeProvider.System.GetUtcNow(),
                NotAfter = certificate.NotAfter,
            },
        });
        Assert.Equal(IssueOutcome.Issued, issued.Outcome);
        return certificate;
    }

    private async Task<int> Authenticate(string udid, X509Certificate2 certificate) => (await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate)).Status;

    private async Task<EnrolledPad> Enrolled(string school)
    {
        var pad = new EnrolledPad(server, Guid.NewGuid().ToString().ToUpperInvariant(), await Invited(null, school));
        Assert.Equal(200, await Authenticate(pad.Udid, pad.Certificate));
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(pad.Udid), pad.Certificate)).Status);
        return pad;
    }

    private async Task Remove(EnrolledPad pad)
    {
        using var removed = await server.Admin.DeleteAsync(new Uri(pad.Path, UriKind.Relative));
        Assert.True(removed.IsSuccessStatusCode, $"{(int)removed.StatusCode}");
    }

    [Fact]
    public async Task A_technician_who_names_an_iPad_of_another_school_does_not_take_it_over()
    {
        var (own, other) = (await School(), await School());
        var pad = await Enrolled(other);
        using var technician = await Technician(own);

        var taken = await Invited(technician, own, $$""", "onlyFor": ["{{pad.Udid}}"]""");

        Assert.Equal(403, await Authenticate(pad.Udid, taken));
        Assert.Equal(other, (string?)(await server.Get(pad.Path))["school"]);
        Assert.Null(await pad.Idle());
        Assert.Equal("open", (string?)(await server.Get(pad.Path + "/claim"))["state"]);
    }

    [Fact]
    public async Task A_technician_who_names_an_iPad_of_their_own_school_lets_it_enrol_anew_and_the_district_any()
    {
        var (own, other) = (await School(), await School());
        var (pad, moves) = (await Enrolled(own), await Enrolled(other));
        using var technician = await Technician(own);

        Assert.Equal(200, await Authenticate(pad.Udid, await Invited(technician, own, $$""", "onlyFor": ["{{pad.Udid}}"]""")));
        Assert.Equal(200, await Authenticate(moves.Udid, await Invited(null, own, $$""", "onlyFor": ["{{moves.Udid}}"]""")));
        Assert.Equal(own, (string?)(await server.Get(moves.Path))["school"]);
    }

    [Fact]
    public async Task A_removed_iPad_comes_back_by_a_later_invitation_of_its_own_school_and_by_none_of_another()
    {
        var (own, other) = (await School(), await School());
        var pad = await Enrolled(other);
        await Remove(pad);
        using var stranger = await Technician(own);
        using var technician = await Technician(other);

        Assert.Equal(403, await Authenticate(pad.Udid, await Invited(stranger, own)));
        Assert.Equal(200, await Authenticate(pad.Udid, await Invited(technician, other)));
    }

    [Fact]
    public async Task What_somebody_makes_for_an_iPad_of_their_own_brings_no_removed_one_back()
    {
        var school = await School();
        var pad = await Enrolled(school);
        await Remove(pad);
        var person = (string)(await Made("people", """{"role": "pupil", "givenName": "Ali", "familyName": "Berg"}"""))["id"]!;
        var invitation = new Invitation
        {
            Id = Guid.NewGuid().ToString("N"),
            School = school,
            CreatedAt = TimeProvider.System.GetUtcNow(),
            ExpiresAt = TimeProvider.System.GetUtcNow().AddHours(1),
            CreatedBy = "Ali Berg",
            PersonId = person,
        };
        Assert.True(await server.Service<IEnrolmentStore>().CreateInvitation(invitation));

        Assert.Equal(403, await Authenticate(pad.Udid, await Issued(invitation.Id)));
    }
}
