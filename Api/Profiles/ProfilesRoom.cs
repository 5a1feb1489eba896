using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Api.Profiles;

/// <summary>The library of configuration profiles: versions, variables, signing, and how each profile stands on the iPads.</summary>
/// <remarks>Owns <c>/profile/{token}</c> on the iPads' side, <c>/api/v1/profiles</c>, <c>/api/v1/devices/{id}/library-profiles</c>, the pages below <c>/profiles</c>, the tables
/// <c>profiles</c>, <c>profile_versions</c> and <c>profile_installs</c>. Profiles are sent by operations; device grains put in the values of variables. Everybody who may read reads it without its secrets.</remarks>
internal static class ProfilesRoom
{
    public static void AddProfiles(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<ProfileOptions>(configuration, ProfileOptions.Section, options => options.FindFault());
        services.AddSingleton<ProfileSigning>();
        services.AddSingleton<ISetUp, ProfileSetUp>();
        services.AddSingleton<ProfileSender>();
        services.AddSingleton<ProfileLibrary>();
        services.AddSingleton<ProfileForms>();
        services.AddSingleton<ProfilePages.ProfileSending>();
        services.AddSingleton(new ConsoleEntry(15, "/profiles", "Profiles", "M5 3h7l3 3v11H5ZM12 3v3h3M7.5 10h5M7.5 13h5", 'r', Rights.ProfileRead));
        services.AddSingleton<PublicProfileEndpoint>();
    }

    public static void MapProfiles(this AdminRoutes routes)
    {
        ProfileEndpoints.MapRest(routes.Api);
        ProfilePages.MapPages(routes.Pages);
    }
}
