using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Api.Enrolment;

/// <summary>A signed profile as an answer.</summary>
internal static class ProfileResult
{
    public static IResult Of(HttpContext context, AuthoritySnapshot snapshot, byte[] profile, string fileName)
    {
        // A profile may hold a challenge.
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{fileName}.mobileconfig\"";
        var signed = ProfileSigner.Sign(profile, snapshot.ProfileSigner, snapshot.TlsIssuer.Certificate.Der);
        return Results.Bytes(signed, ConfigurationProfile.ContentType);
    }
}
