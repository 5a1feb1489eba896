using System.Security.Cryptography;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Attestation;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.SelfService;
using Microsoft.AspNetCore.DataProtection;

namespace FleetMdm.Api.Automated;

/// <summary>Somebody signs in on an iPad in Setup Assistant, before it enrols.</summary>
/// <remarks>The iPad says what it is with the first request alone (Apple, authenticating through web views). It is kept in a cookie that only this server can read, until the enrolment
/// profile is given.</remarks>
internal sealed class SetUpSignIn(
    AutomatedEnrolmentEndpoint endpoint, ISelfServiceStore people, IPlaceholderStore placeholders, AuditTrail trail, IDataProtectionProvider protection, TimeProvider time)
{
    /// <summary>Base64 of what an iPad posts otherwise.</summary>
    public const string Header = "x-apple-aspen-deviceinfo";

    private const string Cookie = "fleetmdm-ipad";

    /// <summary>Time enough to ask somebody for the password.</summary>
    private static readonly TimeSpan Lasts = TimeSpan.FromHours(1);

    /// <summary>After the enrolment profile was given.</summary>
    private static readonly TimeSpan LastsAfter = TimeSpan.FromMinutes(5);

    private readonly IDataProtector _cookies = protection.CreateProtector("automated.sign-in");

    /// <summary>The iPad says what it is.</summary>
    /// <returns>What is to be answered instead of the page; null: it may go on.</returns>
    /// <exception cref="AskingRefusedException">It is none of the district's.</exception>
    public async Task<IResult?> Begin(HttpContext context, string header)
    {
        if (header.Length > DeviceCertificates.MaxAnswerBytes * 4L / 3 + 4) throw new AskingRefusedException(StatusCodes.Status413PayloadTooLarge, "What the iPad says of itself is too long.");
        byte[] body;
        try
        {
            body = Convert.FromBase64String(header);
        }
        catch (FormatException)
        {
            throw endpoint.Refuse(context, StatusCodes.Status400BadRequest, "BadAnswer", "What the iPad says of itself is no Base64.", AskingRefusedException.NotUnderstood);
        }

        var asking = await endpoint.Check(context, body);
        if (await endpoint.WithoutSignIn(context, asking) is { } answer) return answer;
        Keep(context, new Kept(
            time.GetUtcNow() + Lasts, asking.Device.Udid, asking.Device.SerialNumber, asking.Facts.ProductName, asking.Facts.OsVersion, asking.Facts.BuildVersion, asking.CanUpdate));
        return null;
    }

    /// <summary>The iPad that this browser is on; null: none, or it took too long.</summary>
    public AskingIPad? Asking(HttpContext context) => Opened(context) is { } kept
        ? new AskingIPad(new ProvenFacts(new ProvenDevice(kept.Udid, kept.SerialNumber), kept.ProductName, kept.OsVersion, kept.BuildVersion), kept.CanUpdate)
        : null;

    /// <summary>What whoever has signed in may do with the iPad.</summary>
    public async Task<SetUpChoices> Choices(HttpContext context, AskingIPad asking)
    {
        var user = FleetUser.Of(context);
        var person = user.PersonId is { } id ? (await people.FindPerson(id))?.Person : null;
        var forNobody = user.May(Rights.InvitationChange)
            && (user.IsOfDistrict || await placeholders.Standing(user.Scope, asking.Device.SerialNumber) is not null);
        return new SetUpChoices(person is null ? null : $"{person.GivenName} {person.FamilyName}".Trim(), forNobody);
    }

    /// <summary>The enrolment profile.</summary>
    /// <exception cref="ApiProblem">403: they may not; 409: somebody else has it.</exception>
    /// <exception cref="AskingRefusedException">The iPad gets none.</exception>
    public async Task<IResult> Take(HttpContext context, AskingIPad asking, bool forNobody)
    {
        var user = FleetUser.Of(context);
        var choices = await Choices(context, asking);
        if (forNobody ? !choices.ForNobody : choices.Name is null)
            throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NoPerson, "Not yours", SetUpChoices.NoPerson);
        // What the iPad has to do first comes before anybody has it. Where nobody is to sign in any more, nobody gets it by that.
        if (await endpoint.WithoutSignIn(context, asking) is { } instead) return instead;
        var record = trail.Entry(context, AuditVerbs.AutomatedSignIn, AuditTargets.Placeholder, asking.Device.SerialNumber, detail: forNobody ? "for nobody" : "for who signed in");
        if (forNobody)
        {
            await placeholders.MeanForNobody(asking.Device.SerialNumber, record);
        }
        else
        {
            switch (await placeholders.MeanFor(asking.Device.SerialNumber, user.PersonId!, time.GetUtcNow(), record))
            {
                case MeantForOutcome.HeldByAnother:
                    throw ApiProblem.Conflict(ProblemCodes.HandedOut, "Somebody else has it", "By the school's list, somebody else has this iPad. Take it to the school: they record that it came back, or set it up.");
                case MeantForOutcome.MeantForAnother:
                    throw ApiProblem.Conflict(ProblemCodes.HandedOut, "It is for somebody else", "By the school's list, this iPad is for somebody else. Ask the school for yours.");
                case MeantForOutcome.NoPerson:
                    throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NoPerson, "Not yours", SetUpChoices.NoPerson);
            }
        }

        var answer = await endpoint.Answer(context, asking, signedIn: true);
        // Once more, if the iPad lost it on the way. Then the browser is no iPad's any more.
        if (Opened(context) is { } kept && time.GetUtcNow() + LastsAfter is var until && until < kept.Until) Keep(context, kept with { Until = until });
        return answer;
    }

    private Kept? Opened(HttpContext context)
    {
        if (context.Request.Cookies[Cookie] is not { Length: > 0 } cookie) return null;
        try
        {
            // We wrote it, or it cannot be opened.
            return JsonSerializer.Deserialize<Kept>(_cookies.Unprotect(cookie)) is { } kept && kept.Until > time.GetUtcNow() ? kept : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private void Keep(HttpContext context, Kept kept) =>
        context.Response.Cookies.Append(Cookie, _cookies.Protect(JsonSerializer.Serialize(kept)), Options(context, kept.Until - time.GetUtcNow()));

    private sealed record Kept(DateTimeOffset Until, string Udid, string SerialNumber, string? ProductName, string? OsVersion, string? BuildVersion, bool CanUpdate);

    private static CookieOptions Options(HttpContext context, TimeSpan lasts) =>
        new() { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps, IsEssential = true, MaxAge = lasts, Path = SetUpSignInPages.Begin };
}

/// <param name="Name">Of the person whom the account is linked to; null: it is linked to nobody.</param>
/// <param name="ForNobody">They may set it up without it being theirs.</param>
public sealed record SetUpChoices(string? Name, bool ForNobody)
{
    public const string NoPerson = "Your account is not linked to a person of the district, so the iPad cannot be yours. Ask the school.";
}
