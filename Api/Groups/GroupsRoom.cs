using FleetMdm.Api.Access;
using FleetMdm.Api.Console;

namespace FleetMdm.Api.Groups;

/// <summary>Groups of iPads: by hand, or by a rule in the words of the filter.</summary>
/// <remarks>Owns <c>/api/v1/groups</c>, <c>/groups</c>, the tables <c>device_groups</c> and <c>device_group_members</c>, and the field <c>group</c> of the filter.
/// Who sees iPads sees groups; <see cref="Rights.GroupChange"/> changes them. A rule is put in the place of the group's name when a filter is used.</remarks>
internal static class GroupsRoom
{
    public static void AddGroups(this IServiceCollection services)
    {
        services.AddSingleton<GroupService>();
        services.AddSingleton(new ConsoleEntry(22, "/groups", "Groups", "M4 4h7v9H4ZM8 13v3h8V7h-5", 'g'));
    }

    public static void MapGroups(this AdminRoutes routes)
    {
        GroupEndpoints.MapRest(routes.Api);
        GroupPages.MapPages(routes.Pages);
    }
}
