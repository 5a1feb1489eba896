using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.SetUp;

/// <summary>The guided list of a new district: what is still missing until a new iPad is ready by itself.</summary>
/// <remarks>Owns <c>/api/v1/set-up</c> and <c>/set-up</c>. Each room says its own step by <see cref="ISetUp"/>; nothing is stored. It is the district's alone.</remarks>
internal static class SetUpRoom
{
    public static void AddSetUp(this IServiceCollection services) => services.AddSingleton<ISetUp, AddressSetUp>();

    public static void MapSetUp(this AdminRoutes routes)
    {
        routes.Api.MapGet("/set-up", Get).Needs(Rights.StatusRead).WithTags("Set-up").Fails();
        routes.Pages.MapGet("/set-up", Show).Needs(Rights.StatusRead);
    }

    /// <summary>What is still missing until a new iPad is ready by itself</summary>
    /// <remarks>The steps in the order in which they go best, each with its state. A step is there when you may see what it is about. It is for rights for the whole district.</remarks>
    public static async Task<Ok<SetUpView>> Get(HttpContext context, IEnumerable<ISetUp> rooms) => TypedResults.Ok(await Read(FleetUser.Of(context), rooms));

    private static async Task<RazorComponentResult<SetUpPage>> Show(HttpContext context, IEnumerable<ISetUp> rooms)
    {
        var user = FleetUser.Of(context);
        return new(new { User = user, View = await Read(user, rooms) });
    }

    private static async Task<SetUpView> Read(FleetUser user, IEnumerable<ISetUp> rooms)
    {
        SetUpStep[] steps = [.. (await Task.WhenAll(rooms.Select(room => room.Find(user)))).SelectMany(of => of).OrderBy(step => step.Order)];
        return new SetUpView(steps.Count(step => step.IsMissing), steps);
    }
}
