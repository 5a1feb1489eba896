using System.Buffers.Text;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Limits;
using FleetMdm.Storage.Profiles;

namespace FleetMdm.Api.Profiles;

/// <summary><c>/profile/{token}</c>: a page from which anybody who has the link can download a profile that was made public. Nothing else of the library can
/// be reached here.</summary>
public sealed class PublicProfileEndpoint(IProfileStore store, ProfileSigning signing, EnrolmentAuthority authority)
{
    /// <summary>Nobody guesses it.</summary>
    internal const int TokenBytes = 20;

    private const string Path = "/profile";

    internal static string UrlOf(MdmOptions mdm, byte[] token) => new Uri(mdm.PublicUri, $"{Path}/{Base64Url.EncodeToString(token)}").AbsoluteUri;

    /// <summary>Asks for no credentials, and has its turn among those who enrol.</summary>
    internal static void Map(IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("");
        group.AddEndpointFilter<RouteGroupBuilder, UnavailableFilter>();
        group.AllowAnonymous();
        group.ExcludeFromDescription();
        group.RequireEnrolmentAdmission();
        group.MapGet(Path + "/{token}", (HttpContext context, string token, PublicProfileEndpoint profiles) => profiles.Page(context, token));
        group.MapGet(Path + "/{token}/download", (HttpContext context, string token, PublicProfileEndpoint profiles) => profiles.Download(context, token));
    }

    private async Task<IResult> Page(HttpContext context, string token)
    {
        if (await Find(token) is not { } profile) return Gone(context);
        var snapshot = await authority.Get();
        return EnrolmentPage.Profile(context, snapshot.Organization, profile.Newest.Name, profile.Newest.Description, $"{Path}/{token}/download");
    }

    private async Task<IResult> Download(HttpContext context, string token)
    {
        if (await Find(token) is not { } profile || await store.Load(profile.Id, profile.Newest.Version) is not { } content) return Gone(context);
        return await signing.Download(context, profile, content);
    }

    private async Task<ProfileRow?> Find(string token)
    {
        if (token.Length > 100 || !Base64Url.IsValid(token)) return null;
        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length != TokenBytes) return null;
        // Whatever a change has let through: these two are never given to strangers.
        return await store.FindByLink(bytes) is { Newest: { Variables.Count: 0 } newest } profile && (profile.LinkSecrets || !newest.HasSecrets) ? profile : null;
    }

    private static IResult Gone(HttpContext context) => EnrolmentPage.Refusal(context, StatusCodes.Status404NotFound,
        "There is no profile here", "The link is wrong, or it was withdrawn. Ask whoever gave it to you for a new one.");
}
