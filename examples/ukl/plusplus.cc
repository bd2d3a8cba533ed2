// What C++ programs take for granted: static objects, exceptions, threads, streams.
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Guard {
	static inline int destroyed = 0;
	~Guard() { destroyed++; }
};

std::map<std::string, int> table{ { "one", 1 }, { "two", 2 } };
thread_local std::string name = "nobody";

[[noreturn]] void fail(int depth)
{
	Guard guard;
	if (depth > 0)
		fail(depth - 1);
	throw std::runtime_error("thrown");
}

}

int main(int argc, char **argv)
{
	std::string caught;
	try {
		fail(9);
	} catch (const std::exception &error) {
		caught = error.what();
	}
	try {
		(void)table.at("three");
	} catch (const std::out_of_range &) {
		caught += ", and out of range";
	}
	std::vector<int> results(8);
	std::vector<std::thread> threads;
	for (int i = 0; i < 8; i++)
		threads.emplace_back([i, &results] {
			name = std::to_string(i);
			results[i] = std::stoi(name) * table.at("two");
		});
	for (auto &thread : threads)
		thread.join();
	int sum = 0;
	for (int result : results)
		sum += result;
	std::cout << caught << ", " << Guard::destroyed << " destroyed, sum " << sum << ", I am " << name << std::endl;
	return sum == 56 && Guard::destroyed == 10 && name == "nobody" && argc == 1 && argv[0] ? 4 : 1;
}
